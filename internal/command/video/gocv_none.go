//go:build !gocv

package video

// openCV is nil: this build is without.
func openCV() *Backend { return nil }
