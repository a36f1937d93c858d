"""A figure: how much a second, measured several times, beside its baseline from the same run."""
import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    what: str
    rates: list
    baseline: str
    baseline_rates: list

    @property
    def ratio(self):
        return statistics.median(a / b for a, b in zip(self.rates, self.baseline_rates))

    def line(self):
        return (f"{self.what}: {spread(self.rates)} events/s; {self.baseline}: {spread(self.baseline_rates)}; "
                f"ratio {self.ratio:.2f}")

    def as_dict(self):
        return {**dataclasses.asdict(self), "ratio": self.ratio}


def spread(rates):
    low, middle, high = min(rates), statistics.median(rates), max(rates)
    return f"{middle:,.0f}" if len(rates) == 1 else f"{middle:,.0f} ({low:,.0f}–{high:,.0f})"
