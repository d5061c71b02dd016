"""Launchers for clusters: Submitit (Slurm, or processes on this machine) and Ray.

They take the place of the launchers in Hydra's plugins of the same names, and use the options of these. Hydra's own end a whole
sweep, or wait for ever, when one job is killed; these return, for each run, how its job ended.
"""
