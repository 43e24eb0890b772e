"""What a RoI's features say: its class and box, its mask."""
