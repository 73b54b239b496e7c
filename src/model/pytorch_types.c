/* SPDX-License-Identifier: Apache-2.0 */
#include "model/pytorch_types.h"

#include "base/mem.h"

/* Bits of what one element takes in a storage. Types of fewer than eight bits lie in one byte each,
 * but for those whose names say how many share it ("_x2"): they are counted as they are stored. */
static const struct {
    struct weight_dtype type;
    const char *storage; /* before "Storage"; NULL: it has none of its own */
} types[] = {
    {{"float64", "float64", 1, 64}, "Double"},
    {{"float32", "float32", 1, 32}, "Float"},
    {{"float16", "float16", 1, 16}, "Half"},
    {{"bfloat16", "bfloat16", 1, 16}, "BFloat16"},
    {{"float8_e4m3fn", "float8_e4m3", 1, 8}, NULL},
    {{"float8_e5m2", "float8_e5m2", 1, 8}, NULL},
    {{"float8_e4m3fnuz", "float8_e4m3", 1, 8}, NULL},
    {{"float8_e5m2fnuz", "float8_e5m2", 1, 8}, NULL},
    {{"float8_e8m0fnu", NULL, 1, 8}, NULL},
    {{"float4_e2m1fn_x2", NULL, 1, 8}, NULL},
    {{"complex32", "complex32", 1, 32}, "ComplexHalf"},
    {{"complex64", "complex64", 1, 64}, "ComplexFloat"},
    {{"complex128", "complex128", 1, 128}, "ComplexDouble"},
    {{"int64", "int64", 1, 64}, "Long"},
    {{"int32", "int32", 1, 32}, "Int"},
    {{"int16", "int16", 1, 16}, "Short"},
    {{"int8", "int8", 1, 8}, "Char"},
    {{"uint8", "uint8", 1, 8}, "Byte"},
    {{"uint16", "uint16", 1, 16}, NULL},
    {{"uint32", "uint32", 1, 32}, NULL},
    {{"uint64", "uint64", 1, 64}, NULL},
    {{"bool", "bool", 1, 8}, "Bool"},
    {{"qint8", NULL, 1, 8}, "QInt8"},
    {{"quint8", NULL, 1, 8}, "QUInt8"},
    {{"qint32", NULL, 1, 32}, "QInt32"},
    {{"quint4x2", NULL, 1, 8}, "QUInt4x2"},
    {{"quint2x4", NULL, 1, 8}, "QUInt2x4"},
    {{"bits8", NULL, 1, 8}, NULL},
    {{"bits16", NULL, 1, 16}, NULL},
};

#define TORCH   "torch."
#define STORAGE "Storage"

/* Types that are written as one byte each and hold less: no weights of any model yet, but names. */
static const char *const small_types[] = {
    "uint1", "uint2", "uint3", "uint4", "uint5", "uint6",   "uint7",   "int1",    "int2",
    "int3",  "int4",  "int5",  "int6",  "int7",  "bits1x8", "bits2x4", "bits4x2",
};

static const char *const harmless[] = {
    "_codecs.encode",
    "builtins.bytearray",
    "builtins.complex",
    "builtins.set",
    "__builtin__.bytearray",
    "__builtin__.complex",
    "__builtin__.set",
    "collections.Counter",
    "collections.OrderedDict",
    "torch.Size",
    "torch.Tensor",
    "torch.device",
    "torch.nn.parameter.Buffer",
    "torch.nn.parameter.Parameter",
    "torch.serialization._get_layout",
    "torch._tensor._rebuild_from_type_v2",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
    "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_meta_tensor_no_storage",
    "torch._utils._rebuild_nested_tensor",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_qtensor",
    "torch._utils._rebuild_sparse_csr_tensor",
    "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_wrapper_subclass",
    "torch.per_tensor_affine",
    "torch.per_channel_affine",
    "torch.per_channel_affine_float_qparams",
    "torch.per_channel_symmetric",
    "torch.per_tensor_symmetric",
    "torch.sparse_coo",
    "torch.sparse_csr",
    "torch.strided",
};

const struct weight_dtype *pytorch_dtype(struct str name)
{
    if (!str_starts(name, STR(TORCH)))
        return NULL;
    name = str_skip(name, strlen(TORCH));
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_eqz(name, types[i].type.name))
            return &types[i].type;
    return NULL;
}

bool pytorch_storage(struct str name, const struct weight_dtype **ret_type)
{
    static const char *const places[] = {"torch.", "torch.cuda.", "torch.storage."};
    ptrdiff_t dot = str_rchr(name, '.');
    struct str place = str_head(name, (size_t)(dot + 1)), kind = str_skip(name, (size_t)(dot + 1));
    bool known = false;

    for (size_t i = 0; i < ARRAY_LEN(places); i++)
        known = known || str_eqz(place, places[i]);
    if (!known || !str_ends(kind, STR(STORAGE)))
        return false;
    kind = str_head(kind, kind.n - strlen(STORAGE));
    *ret_type = NULL;
    if (str_eqz(kind, "Untyped") || str_eqz(kind, "_Untyped"))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!types[i].storage || !str_eqz(kind, types[i].storage))
            continue;
        *ret_type = &types[i].type;
        return true;
    }
    return false;
}

bool pytorch_is_harmless(struct str name)
{
    const struct weight_dtype *type;
    if (pytorch_dtype(name) || pytorch_storage(name, &type))
        return true;
    for (size_t i = 0; i < ARRAY_LEN(harmless); i++)
        if (str_eqz(name, harmless[i]))
            return true;
    for (size_t i = 0; i < ARRAY_LEN(small_types); i++)
        if (str_starts(name, STR(TORCH)) && str_eqz(str_skip(name, strlen(TORCH)), small_types[i]))
            return true;
    return false;
}
