"""A figure: what was measured, several times, beside its baseline from the same run where it has one."""
import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    what: str
    rates: list
    baseline: str = ""
    baseline_rates: list = dataclasses.field(default_factory=list)
    unit: str = "events/s"

    @property
    def ratio(self):
        """The median of the rounds' ratios; None without a baseline."""
        if not self.baseline_rates:
            return None
        return statistics.median(a / b for a, b in zip(self.rates, self.baseline_rates))

    def line(self):
        text = f"{self.what}: {spread(self.rates)} {self.unit}"
        if self.ratio is None:
            return text
        return f"{text}; {self.baseline}: {spread(self.baseline_rates)}; ratio {self.ratio:.2f}"

    def as_dict(self):
        return {**dataclasses.asdict(self), "ratio": self.ratio}


def spread(rates):
    low, middle, high = min(rates), statistics.median(rates), max(rates)
    return number(middle) if len(rates) == 1 else f"{number(middle)} ({number(low)}–{number(high)})"


def number(value):
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def percentile(values, percent):
    """The smallest of the values that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
