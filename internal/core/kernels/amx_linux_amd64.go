//go:build !purego

package kernels

import "syscall"

// permitAMX asks the system for the tile registers, which Linux gives to a process only on demand: their 8 KiB have
// to fit the stacks of its signal handlers (Documentation/arch/x86/xstate.rst).
func permitAMX() bool {
	const requestPermission, tileData = 0x1023, 18 // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
	_, _, err := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return err == 0
}
