"""What the network does with boxes and scores, in operators that every runtime has."""
