"""Products in a profiler's trace: the innermost operator, the time of its kernels, the format that their names tell.

The events have the shape of ``torch.profiler``'s Chrome export; kernel names are NVIDIA's (cuBLAS, CUTLASS).
"""

from __future__ import annotations

import pytest

from verifier.runtimes._pytorch_trace import read_trace


def call(name, start, length, *types, number=0, thread=1):
    arguments = {"Input type": list(types), "External id": number}
    return {"ph": "X", "cat": "cpu_op", "name": name, "ts": start, "dur": length, "tid": thread, "args": arguments}


def kernel(name, length, number):
    return {"ph": "X", "cat": "kernel", "name": name, "ts": 0, "dur": length, "args": {"External id": number}}


def test_a_product_is_the_innermost_operator_and_counts_once():
    trace = read_trace(
        [
            call("aten::linear", 0, 100, "float", "float"),
            call("aten::t", 1, 5),
            call("aten::addmm", 10, 80, "float", "float", "float"),
            call("aten::expand", 12, 6),
            call("aten::relu", 110, 20, "float"),
        ]
    )
    assert [(ran.operator, ran.compute, ran.micros) for ran in trace.products] == [("aten::addmm", "fp32", 80.0)]
    assert trace.others == {"aten::linear": (1, 15.0), "aten::t": (1, 5.0), "aten::relu": (1, 20.0)}
    assert trace.total == 120.0


def test_calls_of_two_threads_are_not_taken_for_each_others_insides():
    trace = read_trace([call("aten::linear", 0, 100, "float"), call("aten::mm", 10, 50, "float", thread=2)])
    assert [ran.operator for ran in trace.products] == ["aten::linear", "aten::mm"]


@pytest.mark.parametrize(
    ("name", "types", "fmt"),
    [
        ("aten::mm", ("c10::BFloat16", "c10::BFloat16"), "bf16"),
        ("aten::addmm", ("c10::Half", "c10::Half"), "fp16"),
        ("aten::_int_mm", ("signed char", "signed char"), "int8"),
        ("quantized::linear_dynamic", ("float", ""), "int8"),
        ("aten::_scaled_mm", ("c10::Float8_e4m3fn", "c10::Float8_e4m3fn"), "fp8_e4m3fn"),
        ("aten::mkldnn_convolution", ("float", "float"), "fp32"),
        ("mkldnn::_linear_pointwise", ("c10::BFloat16",), "bf16"),
    ],
)
def test_without_kernels_the_operands_tell_the_format(name, types, fmt):
    (ran,) = read_trace([call(name, 0, 10, *types)]).products
    assert (ran.compute, ran.by_kernel) == (fmt, False)


@pytest.mark.parametrize(
    ("name", "fmt"),
    [
        ("ampere_sgemm_128x64_tn", "fp32"),
        ("void cutlass::Kernel2<cutlass_80_simt_sgemm_128x64_8x5_nn_align1>(Params)", "fp32"),
        ("void cutlass::Kernel2<cutlass_80_tensorop_s1688gemm_128x128_16x4_nn_align4>(Params)", "tf32"),
        ("sm80_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize64x64x32_stage3", "tf32"),
        ("sm90_xmma_gemm_f32f32_f32f32_f32_nn_n_tilesize64x32x8_stage3", "fp32"),
        ("void cutlass::Kernel<cutlass_75_tensorop_s1688gemm_f16_128x128_nn_align1>(Params)", "fp16"),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize64x64x64_warpgroupsize1x1x1", "bf16"),
        ("sm90_xmma_gemm_f16f16_f16f32_f32_tn_n_tilesize64x64x64", "fp16"),
        ("sm90_xmma_gemm_e4m3bf16_e4m3f32_f32_tn_n_tilesize128x128x128", "fp8_e4m3fn"),
        ("void cutlass::Kernel2<cutlass_80_tensorop_i16832gemm_s8_256x128_64x3_tn_align16>(Params)", "int8"),
    ],
)
def test_on_a_gpu_the_kernel_tells_the_format_whatever_the_operands_are_called(name, fmt):
    events = [call("aten::mm", 0, 5, "float", "float", number=7), kernel(name, 40, 7)]
    (ran,) = read_trace(events).products
    assert (ran.compute, ran.by_kernel, ran.micros) == (fmt, True, 40.0)


def test_a_kernel_whose_name_tells_nothing_leaves_it_to_the_operands():
    events = [call("aten::mm", 0, 5, "c10::BFloat16", number=7), kernel("nvjet_tst_128x64_64x8_2x1_v_bz_TNN", 40, 7)]
    (ran,) = read_trace(events).products
    assert (ran.compute, ran.by_kernel) == ("bf16", False)


def test_kernels_of_the_calls_inside_a_product_are_its_own():
    events = [
        call("aten::addmm", 0, 50, "float", number=1),
        call("aten::copy_", 5, 10, "float", number=2),
        kernel("vectorized_elementwise_kernel<4, bfloat16_copy_kernel_cuda>", 3, 2),
        kernel("ampere_sgemm_128x64_tn", 40, 1),
        call("aten::relu", 60, 5, "float", number=3),
        kernel("elementwise_kernel", 7, 3),
    ]
    trace = read_trace(events)
    assert [(ran.micros, ran.compute) for ran in trace.products] == [(43.0, "fp32")]
    assert trace.others == {"aten::relu": (1, 7.0)}
    assert trace.total == 50.0
