# SPDX-License-Identifier: Apache-2.0
"""
Runs rdma-core's own test suite, which is unpacked in DIR/tests, and writes to FILE what each test
said: file, class.test, passed|failed|skipped, why. No test is left out by its name.

Each test runs in a process of its own, which ends where the test is skipped: pyverbs crashes when it
frees what a half-made resource of test_parent_domain leaves, on any device that says "not supported"
there. A test that dies or hangs has failed.

What counts as skipped: what the suite skips, and a test that ends because the device said EOPNOTSUPP,
which most tests of the suite turn into a skip themselves.

usage: run_pyverbs.py DIR FILE [NAME...]      NAME: part of test ids; only those are run
"""
import errno
import fcntl
import importlib
import importlib.util
import mmap
import os
import signal
import sys
import time
import unittest

WHY = 160    # characters of a reason that are kept
LIMIT_S = 60  # a test


def one_line(text):
    return ' '.join(str(text).split())[-WHY:]


def file_and_name(test):
    parts = test.id().split('.')
    return parts[1], '.'.join(parts[2:])


class Lines(unittest.TextTestResult):
    """A line a test, written at once."""

    def __init__(self, out, *args):
        super().__init__(*args)
        self.out = out
        self.said = False

    def write(self, test, status, why=''):
        self.said = True
        self.out.write('\t'.join([*file_and_name(test), status, why]) + '\n')
        self.out.flush()

    def addSuccess(self, test):
        super().addSuccess(test)
        self.write(test, 'passed')

    def addError(self, test, err):
        why = one_line(f'{err[0].__name__}: {err[1]}')
        if getattr(err[1], 'error_code', 0) == errno.EOPNOTSUPP:
            self.addSkip(test, why)
        super().addError(test, err)
        self.write(test, 'failed', why)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.write(test, 'failed', one_line(f'{err[0].__name__}: {err[1]}'))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.write(test, 'failed', one_line(f'{err[0].__name__}: {err[1]}'))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.write(test, 'skipped', one_line(reason))
        sys.stderr.flush()
        os._exit(0)

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.write(test, 'failed', 'unexpected success')


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def chosen(folder, names):
    loader = unittest.TestLoader()
    for name in sorted(os.listdir(os.path.join(folder, 'tests'))):
        if not (name.startswith('test_') and name.endswith('.py')):
            continue
        module = importlib.import_module('tests.' + name[:-3])
        own = module.__name__
        for test in flatten(loader.loadTestsFromModule(module)):
            if type(test).__module__ != own:
                continue  # imported from another file, where it is run
            if not names or any(name in test.id() for name in names):
                yield test


def in_child(test, out):
    os.setpgid(0, 0)  # with what the test starts
    runner = unittest.TextTestRunner(
        verbosity=2, resultclass=lambda *args: Lines(out, *args))
    result = runner.run(unittest.TestSuite([test]))
    sys.stderr.flush()
    os._exit(0 if result.said else 1)


def wait(pid):
    """Why the child did not end as it should; None: it did."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            if code < 0:
                return f'died of {signal.Signals(-code).name}'
            return 'ended without a word' if code else None
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return f'took longer than {LIMIT_S} s'


def lend_dmabufs():
    """
    Gives pyverbs the dma-bufs that it lacks: sealed memfds, for daqiri-emu --dmabuf memfd.

    Debian builds it with an allocator that knows no GPU and says EOPNOTSUPP. Nor would another one
    do: DmaBufMR calls add_ref() of its buffer by name, and in DmaBuf it is a cdef method, which has
    none (AttributeError, rdma-core 44 to 64). So both classes get a heir. Everything but the
    allocation remains theirs: the registration, and the reading and writing by mmap().
    """
    if not importlib.util.find_spec('pyverbs.dmabuf'):
        return  # rdma-core 33
    dmabuf, mr = (importlib.import_module(name) for name in ('pyverbs.dmabuf', 'pyverbs.mr'))

    class DmaBuf(dmabuf.DmaBuf):
        def __init__(self, size, gpu=0, gtt=0):
            self.memfd = os.memfd_create('pyverbs', os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(self.memfd, -(-size // mmap.PAGESIZE) * mmap.PAGESIZE)
            fcntl.fcntl(self.memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)

        fd = drm_fd = property(lambda self: self.memfd)
        map_offset = property(lambda self: 0)

        def add_ref(self, obj):
            """The region holds its buffer."""

        def __del__(self):
            os.close(self.memfd)

    class DmaBufMR(mr.DmaBufMR):
        def __init__(self, pd, length, access, dmabuf=None, offset=0, gpu=0, gtt=0):
            if dmabuf is None:
                dmabuf = DmaBuf(length + offset, gpu, gtt)
            super().__init__(pd, length, access, dmabuf=dmabuf, offset=offset)

    dmabuf.DmaBuf, mr.DmaBufMR = DmaBuf, DmaBufMR


def main(folder, lines, *names):
    lend_dmabufs()
    sys.argv = sys.argv[:1]  # the suite parses it too
    sys.path[:0] = [folder, os.path.join(folder, 'tests')]
    importlib.import_module('args_parser').parser.parse_args()
    with open(lines, 'w', encoding='utf-8') as out:
        for test in chosen(folder, names):
            pid = os.fork()
            if not pid:
                in_child(test, out)
            why = wait(pid)
            if why:
                out.write('\t'.join([*file_and_name(test), 'failed', why]) + '\n')
                out.flush()


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
