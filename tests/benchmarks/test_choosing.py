from benchmarks.choosing import regrets


def test_the_regret_is_what_the_choice_of_a_pool_loses_on_test():
    rows = [
        {"dev": {"keyword": 0.9, "both": 0.7}, "test": 0.5},
        {"dev": {"keyword": 0.8, "both": 0.8}, "test": 0.625},
        {"dev": {"keyword": 0.7, "both": 0.6}, "test": 0.75},
    ]
    assert regrets(rows) == {"keyword": 0.25, "both": 0.125}
    assert regrets(rows[:1]) == {"keyword": 0.0, "both": 0.0}  # nothing to choose from, nothing to regret
