"""The pages: tracking, counter, agency inbox, operations. Reads cases from the search view, writes only
``crm.commands``, and hands submitted counter forms to the function it is given (DESIGN, "Rooms")."""
