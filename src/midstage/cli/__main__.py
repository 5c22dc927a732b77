"""python -m midstage.cli"""

from midstage.cli import main

main()
