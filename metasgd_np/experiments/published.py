"""Published figures for comparison, and how well each is attested.

[c] found in two or more independent sources, [1] in one, [m] widely quoted.
"""

# Meta-SGD (arXiv:1707.09835v2), table 1: test MSE ± 95 % interval on 5, 10, 20 shots,
# by the shots of training.
SINUSOID_MSE = {
    5: {
        "Meta-SGD": ("0.90 ± 0.16 [c]", "0.63 ± 0.12 [1]", "0.50 ± 0.10 [1]"),
        "MAML": ("1.13 ± 0.18 [c]", "0.85 ± 0.14 [1]", "0.71 ± 0.12 [1]"),
    },
    10: {
        "Meta-SGD": ("0.88 ± 0.14 [m]", "0.53 ± 0.09 [m]", "0.35 ± 0.06 [1]"),
        "MAML": ("1.17 ± 0.16 [m]", "0.77 ± 0.11 [m]", "0.56 ± 0.08 [1]"),
    },
    20: {
        "Meta-SGD": ("1.01 ± 0.17 [m]", "0.54 ± 0.08 [m]", "0.31 ± 0.05 [1]"),
        "MAML": ("1.29 ± 0.20 [m]", "0.76 ± 0.12 [m]", "0.48 ± 0.08 [1]"),
    },
}

# Omniglot as drawn, 5-way, accuracy in % after adapting, by shots: the figures without
# convolutions in MAML (arXiv:1703.03400), table 1, of four layers with batch norm.
OMNIGLOT_ACCURACY = {
    1: {"MANN, no convolution": "82.8", "MAML, no convolution": "89.7 ± 1.1"},
    5: {"MANN, no convolution": "94.9", "MAML, no convolution": "97.5 ± 0.6"},
}

# Meta-SGD (arXiv:1707.09835v2), section 4.3: return after one step ± 95 % interval.
NAVIGATION_RETURN = {
    "fixed": {"Meta-SGD": "-8.64 ± 0.68 [c]", "MAML": "-9.12 ± 0.66 [c]"},
    "varying": {"Meta-SGD": "-10.15 ± 0.62 [c]", "MAML": "-10.71 ± 0.76 [c]"},
}

# MAML (arXiv:1703.03400), section 5.3: returns after 0, 1, 2, 3 steps, fixed start.
MAML_NAVIGATION = ("-40.41 [1]", "-11.68 [1]", "-3.33 [1]", "-3.23 [1]")

MARKS = "[c] found in two or more independent sources, [1] in one, [m] widely quoted."
