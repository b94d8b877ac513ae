"""One folder a channel, with all that is known of that vendor; ``registry`` lists them."""
