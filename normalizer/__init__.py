"""Makes tickets of decoded items: text, intent, category, place, people, joining (DESIGN, "Rooms")."""
