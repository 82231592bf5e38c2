"""`python -m headwater` is the command `headwater`."""

from headwater.command import main

main()
