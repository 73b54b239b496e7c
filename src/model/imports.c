/* SPDX-License-Identifier: Apache-2.0 */
#include "model/imports.h"

#include "model/path.h"
#include "model/weight_format.h"

/* All that is in these modules, and in those below them. */
static const char *const modules[] = {
    "_posixsubprocess",
    "_winapi",
    "asyncio.subprocess",
    "asyncio.unix_events",
    "bdb",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "ctypes",
    "distutils",
    "doctest",
    "ftplib",
    "gc",
    "http",
    "httplib",
    "imp",
    "importlib",
    "inspect",
    "marshal",
    "multiprocessing",
    "nt",
    "os",
    "pdb",
    "pip",
    "pkgutil",
    "popen2",
    "posix",
    "profile",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "setuptools",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "socketserver",
    "ssl",
    "subprocess",
    "sys",
    "telnetlib",
    "tempfile",
    "test.support",
    "threading",
    "timeit",
    "trace",
    "urllib",
    "urllib2",
    "venv",
    "webbrowser",
    "xmlrpc",
};

static const char *const names[] = {
    "_pickle.loads",
    "_pickle.load",
    "cloudpickle.load",
    "cloudpickle.loads",
    "dill.load",
    "dill.loads",
    "joblib.load",
    "keras.utils.get_file",
    "keras.src.utils.file_utils.get_file",
    "numpy.f2py.crackfortran.getlincoef",
    "numpy.load",
    "numpy.testing._private.utils.runstring",
    "pandas.read_pickle",
    "pickle.load",
    "pickle.loads",
    "torch.hub.load",
    "torch.jit.unsupported_tensor_ops.execWrapper",
    "torch.load",
    "torch.serialization.load",
    "torch.utils.cpp_extension.load",
    "torch.utils.cpp_extension.load_inline",
    "types.CodeType",
    "types.FunctionType",
};

/* Of "builtins" and of what Python 2 called it. */
static const char *const builtins[] = {
    "__import__", "apply",    "breakpoint", "compile", "delattr", "eval",
    "exec",       "execfile", "file",       "getattr", "globals", "input",
    "locals",     "open",     "reload",     "setattr", "vars",
};

static bool is_below(struct str name, struct str module)
{
    return name.n > module.n && str_starts(name, module) && name.p[module.n] == '.';
}

static bool is_one_of(struct str name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eqz(name, list[i]))
            return true;
    return false;
}

bool imports_is_dangerous(struct str name)
{
    static const char *const parents[] = {"builtins", "__builtin__", "__builtins__"};

    for (size_t i = 0; i < ARRAY_LEN(parents); i++)
        if (is_below(name, str_from(parents[i])))
            return is_one_of(str_skip(name, strlen(parents[i]) + 1), builtins, ARRAY_LEN(builtins));
    for (size_t i = 0; i < ARRAY_LEN(modules); i++)
        if (is_below(name, str_from(modules[i])))
            return true;
    return is_one_of(name, names, ARRAY_LEN(names));
}

int imports_keep(struct arena *a, const struct str *from, size_t n,
                 bool (*harmless)(struct str name), struct weights *w, struct err *e)
{
    struct weight_import *list = arena_try(a, (n + 1) * sizeof(*list), e);

    if (!list)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (weight_keep(a, from[i], &list[i].name, e) < 0)
            return -1;
        list[i].dangerous = imports_is_dangerous(from[i]);
        list[i].unsafe = list[i].dangerous || !harmless(from[i]);
    }
    w->imports = list;
    w->n_imports = n;
    return 0;
}

int imports_wrap(struct err *e, const char *what, const struct str *from, size_t n)
{
    char show[MODEL_PATH_SHOW];

    for (size_t i = 0; i < n; i++)
        if (imports_is_dangerous(from[i]))
            return err_wrap(e, "%s, which imports %s before it breaks", what,
                            model_path_show(from[i], show, sizeof(show)));
    return err_wrap(e, "%s", what);
}
