//go:build unix

package video

import (
	"os/exec"
	"syscall"
)

// ownGroup keeps Ctrl-C in a terminal from a process: the command gets it, and lets its processes end in order.
func ownGroup(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
