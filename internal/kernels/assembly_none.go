//go:build !amd64 || purego || amd64

package kernels

// assembly lists the sets of this architecture that are not plain Go.
func assembly() []*Set { return nil }
