package main

import (
	"bufio"
	"fmt"
	"os"
)

// fitsMemory refuses a batch that the machine has no memory for, before the first step
// touches it.
func (r *trainRun) fitsMemory() error {
	if free, need := availableMemory(), r.trainer.Bytes(); free > 0 && need > free {
		return r.tooLarge(need, free)
	}
	return nil
}

// tooLarge says what would fit.
func (r *trainRun) tooLarge(need, free int64) error {
	at := r.recipe.Batch / max(r.recipe.Parts, 1) // once
	err := fmt.Errorf("a batch of %d images takes %d MB of memory, and %d MB are free", at, need>>20, free>>20)
	fit := int(0.9 * float64(free) / float64(need) * float64(at))
	if fit < 1 {
		return hinted{err, "a smaller --train-size, or a smaller network"}
	}
	parts := (r.recipe.Batch + fit - 1) / fit
	for r.recipe.Batch%parts != 0 {
		parts++
	}
	return hinted{err, fmt.Sprintf("--batch %d would fit, or the whole batch in parts, --accumulate %d, or a smaller --train-size", fit, parts)}
}

// availableMemory is what new programs can use without swapping, in bytes; 0 where the
// system does not say (proc(5), MemAvailable).
func availableMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var kB int64
		if n, _ := fmt.Sscanf(lines.Text(), "MemAvailable: %d kB", &kB); n == 1 {
			return kB << 10
		}
	}
	return 0
}
