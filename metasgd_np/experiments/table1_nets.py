"""The two-layer network of the table: its units start spread over the inputs."""

from ..network import TwoLayerNet


class SpreadNet(TwoLayerNet):
    """A TwoLayerNet whose units start at different places, b1 = −c w for W1 = w (1, H).

    With biases of zero every unit φ(w x + b1) = φ(w (x − c)) starts centred at c = 0;
    here c is uniform over `places` (low, high), the range of the inputs. D must be 1.
    """

    def __init__(self, *args, places=(-5.0, 5.0), **options):
        super().__init__(*args, **options)
        self.places = places

    def __repr__(self):
        inner = super().__repr__().removeprefix("TwoLayerNet(").removesuffix(")")
        return f"SpreadNet({inner}, places={self.places})"

    def init(self, rng):
        """θ (P,) of a TwoLayerNet, but for b1."""
        theta = super().init(rng)
        W1, _ = self.unpack(theta)  # (2, H): w, b1
        W1[1] = -W1[0] * rng.uniform(*self.places, self.n_hidden)
        return theta
