package bench

import (
	"os"
	"runtime"
	"strings"
)

// cpuName is what the operating system calls the processor.
func cpuName() string {
	data, _ := os.ReadFile("/proc/cpuinfo") // of Linux
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
