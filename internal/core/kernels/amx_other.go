//go:build amd64 && !purego && !linux

package kernels

// permitAMX says no: how other systems give the tile registers to a process has not been tried.
func permitAMX() bool { return false }
