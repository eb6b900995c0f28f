//go:build !purego

package kernels

import "sync"

func cpuid(leaf, sub uint32) (ax, bx, cx, dx uint32)

// lastCache is the size in bytes of the largest cache that the processor says it has, or a large number if it says nothing.
var lastCache = sync.OnceValue(func() int {
	const unknown = 1 << 40
	// Deterministic cache parameters: leaf 4 of Intel's (Intel 64 and IA-32 Architectures Software Developer's Manual,
	// volume 2, CPUID), 8000001D of AMD's (AMD64 Architecture Programmer's Manual, volume 3, appendix E), in one format.
	const intel, amd, authenticAMD = 4, 0x8000001d, 0x68747541 // "Auth"
	largest, vendor, _, _ := cpuid(0, 0)
	extended, _, _, _ := cpuid(0x80000000, 0)
	leaf := uint32(intel)
	switch {
	case vendor == authenticAMD && extended >= amd:
		leaf = amd
	case largest < intel:
		return unknown
	}
	size := 0
	for i := range uint32(16) {
		kind, geometry, sets, _ := cpuid(leaf, i)
		if kind&31 == 0 { // no more caches
			break
		}
		line, partitions, ways := int(geometry&0xfff)+1, int(geometry>>12&0x3ff)+1, int(geometry>>22)+1
		size = max(size, ways*partitions*line*(int(sets)+1))
	}
	if size == 0 {
		return unknown
	}
	return size
})
