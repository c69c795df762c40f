"""What is doubtful about a run, and the way out. Law: a check that cannot tell says so, and one that speaks is right.

How often each one is wrong is measured by benchmarks/insights.py and told in docs/insights.md.
"""
