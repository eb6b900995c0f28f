//go:build race

package kernels

// The loops that results are held against are slow under the race detector.
func init() { *rounds = 100 }
