"""The training loop, by Lightning; imported when something trains, since that alone takes seconds."""
