"""How recommendations, taste and the models behind them look as JSON, by subject."""
