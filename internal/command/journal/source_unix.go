//go:build unix

package journal

import "golang.org/x/sys/unix"

// changeTime is the time at which a file was last written, renamed or given other
// times or rights; 0 if that is not known.
func changeTime(path string) int64 {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return 0
	}
	return st.Ctim.Nano()
}
