"""How often the intervals hold the truth, and how often a verdict is false, in simulated studies: rules before and now.

    python -m benchmarks.verdicts > benchmarks/verdicts.md     5,000 studies a figure, about 10 minutes
    python -m benchmarks.verdicts --quick                      1,000

Prints Markdown tables. "Before" are the rules of the first versions: looks at alpha / (k (k + 1)), `contradicted` against the
margin, equivalence of averages, lost runs dropped. A study is a factorial of two factors with two levels each. Its noise is

- `normal`;
- `skewed`: log-normal, all cells alike;
- `unequal`: normal, the standard deviations of the arms are as 1 to 3;
- `one arm skewed`: one arm normal, the other log-normal towards the bad side, both with the same standard deviation;
- `one arm long-tailed`: the same, but nearly all of the variance is in the skewed arm, which the t test does not allow for;
- `unequally paired`: the levels of the second factor share most of their noise under one seed, those of the first nothing.
"""
