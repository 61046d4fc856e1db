"""The command: handspan duration|size|wrap TEXT."""

import argparse

from handspan import durations, sizes, wrapping


def main() -> None:
    """Turn a number into its readable form, a readable form into its number."""
    parser = argparse.ArgumentParser(prog="handspan", description=main.__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("duration", "size", "wrap"):
        commands.add_parser(name).add_argument("text")
    commands.choices["wrap"].add_argument("--width", type=int, default=72)
    args = parser.parse_args()
    if args.command == "wrap":
        print("\n".join(wrapping.balance(args.text, args.width)))
    elif args.command == "size":
        print(sizes.text(int(args.text)) if args.text.isdecimal() else sizes.parse(args.text))
    else:
        print(durations.text(int(args.text)) if args.text.isdecimal() else durations.parse(args.text))


if __name__ == "__main__":
    main()
