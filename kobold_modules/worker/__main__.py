"""``python -m kobold_modules.worker``: a worker on stdin and stdout."""

from .child import main


if __name__ == "__main__":
    main()
