import pytest
import torch

from seq2seq.models.dropout import Dropout


def test_keeps_the_mean_and_drops_the_asked_share():
    torch.manual_seed(0)
    out = Dropout(0.3)(torch.ones(1001, 333))
    assert (out == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert out.mean().item() == pytest.approx(1.0, abs=0.01)


def test_gradient_flows_where_the_output_did():
    torch.manual_seed(0)
    x = torch.randn(7, 9, requires_grad=True)
    out = Dropout(0.5)(x)
    out.sum().backward()
    torch.testing.assert_close(x.grad, out.detach() / x.detach())


def test_evaluation_changes_nothing():
    x = torch.randn(5, 5)
    assert Dropout(0.5).eval()(x) is x
