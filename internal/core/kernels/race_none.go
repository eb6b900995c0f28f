//go:build !race

package kernels

func raceRead([]float32) {}

func raceWrite([]float32) {}

func raceConv(*Conv, int, int, int, int) {}

func raceSplit(*Conv, *PackedSplit, int, int, int, int) {}

func (*tileBlock) race(int) {}

func raceOuter(*Outer, int, int) {}

func raceTile([]float32, int, int, int) {}
