"""Files of messages: fetched from vendors, checked, made presentable, and given out from an origin of their own."""
