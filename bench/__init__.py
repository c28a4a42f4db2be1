"""Speed as ratios: what sharekit does against a yardstick, side by side in one run.

    .venv/bin/python -m bench [--smoke | --long] [--row NAME]...

Absolute times say what machine it was; a ratio says what sharekit adds. docs/performance.md holds a run.
"""
