//go:build !purego

package kernels

import (
	"sync"

	"golang.org/x/sys/cpu"
)

// hasAMX says whether this machine has the tile multiplier of Intel's servers since Sapphire Rapids, and whether the
// system lets this process use it.
var hasAMX = sync.OnceValue(func() bool {
	x := &cpu.X86
	return x.HasAVX512BW && x.HasAVX512BF16 && x.HasAMXTile && x.HasAMXBF16 && permitAMX()
})

//go:noescape
func amxTiles(t *splitTiles)

//go:noescape
func amxSplit(dst *uint16, plane, dstStep int, src *float32, srcStep, rows, n int)

//go:noescape
func amxFinish(f *splitFinish)

//go:noescape
func amxPack(dst *uint16, panel int, row0, row1 *float32, n int)
