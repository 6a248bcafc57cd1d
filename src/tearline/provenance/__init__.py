"""Why something is believed: claims, who said them through whom, and what they are worth. Pure."""
