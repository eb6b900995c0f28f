//go:build (!amd64 && !arm64) || purego

package kernels

// assembly lists the sets of this machine that are not plain Go, slowest first.
func assembly() []*Set { return nil }
