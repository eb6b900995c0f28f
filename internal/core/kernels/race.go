//go:build race

package kernels

import (
	"runtime"
	"unsafe"
)

// The race detector does not see what assembly touches. These tell it.

func raceRead(x []float32) {
	if len(x) != 0 {
		runtime.RaceReadRange(unsafe.Pointer(&x[0]), 4*len(x))
	}
}

func raceWrite(x []float32) {
	if len(x) != 0 {
		runtime.RaceWriteRange(unsafe.Pointer(&x[0]), 4*len(x))
	}
}

func raceConv(c *Conv, row0, row1, panel0, panel1 int) {
	w := c.W
	first := w.panels[panel0].first
	width := w.panels[panel1-1].first + w.panels[panel1-1].width - first
	raceRows(c, w.KH, w.KW, w.C, row0, row1, first, width)
}

func raceSplit(c *Conv, w *PackedSplit, row0, row1, panel0, panel1 int) {
	first := panel0 * splitWidth
	raceRows(c, w.KH, w.KW, w.C, row0, row1, first, min(panel1*splitWidth, w.N)-first)
}

func raceRows(c *Conv, kh, kw, channels, row0, row1, first, width int) {
	for g := row0; g < row1; g++ {
		item, y := g/c.Height, g%c.Height
		for x := range c.Width {
			for i := range kh {
				for j := range kw {
					raceRead(c.In[item*c.InItem+(y*c.StrideY+i)*c.InRow+(x*c.StrideX+j)*c.InPixel:][:channels])
				}
			}
			if c.Residual != nil {
				raceRead(c.Residual[item*c.ResItem+y*c.ResRow+x*c.ResPixel+first:][:width])
			}
			raceWrite(c.Out[item*c.OutItem+y*c.OutRow+x*c.OutPixel+first:][:width])
		}
	}
}

func (b *tileBlock) race(t int) {
	c, w := b.conv, b.plan.w
	item, row, col := b.kind.at(t)
	for y := range row.size + 2 {
		for x := range col.size + 2 {
			raceRead(c.In[item*c.InItem+(row.start+y)*c.InRow+(col.start+x)*c.InPixel:][:w.C])
		}
	}
	for y := row.skip; y < row.size; y++ {
		for x := col.skip; x < col.size; x++ {
			if c.Residual != nil {
				raceRead(c.Residual[item*c.ResItem+(row.start+y)*c.ResRow+(col.start+x)*c.ResPixel:][:w.N])
			}
			raceWrite(c.Out[item*c.OutItem+(row.start+y)*c.OutRow+(col.start+x)*c.OutPixel:][:w.N])
		}
	}
}

func raceOuter(o *Outer, c0, c1 int) {
	for y := range o.Rows {
		for x := range o.Pixels {
			raceRead(o.In[y*o.InRow+x*o.InPixel:][c0:c1])
			raceRead(o.Grad[y*o.GradRow+x*o.GradPixel:][:o.N])
		}
	}
	raceWrite(o.Out[c0*o.N : c1*o.N])
}

func raceTile(x []float32, row, rows, floats int) {
	for y := range rows {
		raceRead(x[y*row:][:floats])
	}
}
