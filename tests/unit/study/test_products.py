"""Products and other operations by NumPy, against PyTorch's."""

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from mnist_vae.study import products
from mnist_vae.study.products import binary_product, product, tanh_, threads_of_pytorch

DTYPES = (torch.float64, torch.float32)


@pytest.mark.parametrize("by_numpy", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
def test_product_is_the_product_of_tensors_and_of_arrays(monkeypatch, dtype, by_numpy):
    monkeypatch.setattr(products, "numpy_multiplies_faster", lambda: by_numpy)
    generator = torch.Generator().manual_seed(0)
    left, right = (torch.randn(9, 9, generator=generator, dtype=dtype) for _ in range(2))
    for a, b in ((left, right), (left.T, right), (left, right.T), (left[:2], right[:, :3])):
        found, of_arrays = product(a, b), product(a.numpy(), b.numpy())
        assert isinstance(of_arrays, np.ndarray)
        torch.testing.assert_close(found, a @ b, rtol=1e-5, atol=1e-5)
        assert found.dtype == dtype
        assert np.array_equal(of_arrays, found.numpy())


@pytest.mark.parametrize(
    ("processors", "mkl", "by_numpy"),
    [
        ("vendor_id\t: AuthenticAMD\n", True, True),
        ("vendor_id\t: AuthenticAMD\n", False, False),
        ("vendor_id\t: GenuineIntel\n", True, False),
        (None, True, False),
    ],
)
def test_numpy_multiplies_where_mkl_meets_an_amd_processor(tmp_path, monkeypatch, processors, mkl, by_numpy):
    monkeypatch.setattr(products, "PROCESSORS", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: mkl)
    if processors:
        products.PROCESSORS.write_text(processors)
    assert products.numpy_multiplies_faster.__wrapped__() == by_numpy


@pytest.mark.parametrize("threads", [1, 2])
def test_numpys_blas_takes_pytorchs_threads_and_then_its_own_again(threads):
    def of_blas():
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before, of_pytorch = of_blas(), torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threads_of_pytorch():
            assert set(of_blas()) == {threads}
    finally:
        torch.set_num_threads(of_pytorch)
    assert of_blas() == before


@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_product_is_the_product(dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.bernoulli(torch.full((40, 60), 0.2), generator=generator).to(dtype)
    x[3], x[-1], x[:, 5] = 0, 0, 0  # sums of nothing: within, at the end, and of a pixel that is never lit
    x[4] = 1
    rows = torch.randn(60, 50, generator=generator, dtype=dtype)
    for layout in (x, x.T.contiguous().T):
        found = binary_product(layout.numpy(), rows.numpy())
        assert np.allclose(found, binary_product(layout, rows), rtol=1e-5, atol=1e-5)
        assert (found[[3, -1]] == 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_is_pytorchs(dtype):
    x = torch.linspace(-30, 30, 10_001, dtype=dtype)
    expected = torch.tanh(x)
    assert (tanh_(x) - expected).abs().max() < 2 * torch.finfo(dtype).eps
