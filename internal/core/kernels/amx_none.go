//go:build !amd64 || purego

package kernels

// No set has split numbers here.

func amxTiles(*splitTiles) { panic(noSplit) }

func amxSplit(*uint16, int, int, *float32, int, int, int) { panic(noSplit) }

func amxFinish(*splitFinish) { panic(noSplit) }

func amxPack(*uint16, int, *float32, *float32, int) { panic(noSplit) }
