"""Files whose texts are translated and whose form stays: each format finds its texts and writes them back."""
