package kernels

// panelGroup is some panels of output channels whose products are computed and transformed before those of the next
// group, so that they are still in the second-level cache then.
type panelGroup struct {
	panel0, panel1 int
	first, width   int // channels
}

// groupChannels is the most channels of a group that has several panels.
const groupChannels = 64

func groupPanels(panels []panel) []panelGroup {
	var groups []panelGroup
	for i, p := range panels {
		if n := len(groups); n > 0 && groups[n-1].width+p.width <= groupChannels {
			groups[n-1].panel1, groups[n-1].width = i+1, groups[n-1].width+p.width
			continue
		}
		groups = append(groups, panelGroup{i, i + 1, p.first, p.width})
	}
	return groups
}

// multiply computes all products of so many tiles, slab apart from v into m, for a group of panels. A product takes
// microseconds, and those before it have driven from the cache whatever describes it, so where its weights are is
// computed from what the first product is.
func (b *tileBlock) multiply(g *panelGroup, tiles int, v, m []float32, slab int) {
	inPixel, outPixel := roundUp(b.plan.w.C, b.lanes), roundUp(g.width, b.lanes)
	products, sums, room := len(b.kind.products), b.kind.products[0], b.plan.w.rooms[b.kind.index]
	runs := len(sums) * (g.panel1 - g.panel0)
	inEach, outEach := ceil(tiles*inPixel, runs), ceil(tiles*outPixel, runs) // each run's share of the next product's
	begin := 0                                                               // of a sum's weights
	var p panel
	for i := range products {
		raceRead(v[i*slab:][:tiles*inPixel])
		raceWrite(m[i*slab:][:tiles*outPixel])
		next := (i + 1) % products * slab
		nextIn, nextOut := v[next:][:tiles*inPixel], m[next:][:tiles*outPixel]
		at := 0
		for j, sum := range sums {
			end := begin + len(sum.data)
			c := Conv{W: sum, In: v[i*slab+at:], InPixel: inPixel, Out: m[i*slab:], OutPixel: outPixel}
			r := run{Conv: &c, panel: &p, steps: steps{inPixel, outPixel, outPixel}, c1: sum.C}
			if j > 0 {
				c.Residual = c.Out
			}
			for k := g.panel0; k < g.panel1; k++ {
				p = sum.panels[k]
				p.weights = room[begin+sum.weightsAt(k):][:len(p.weights)]
				r.pixels, r.in, r.out, r.res = tiles, 0, p.first-g.first, p.first-g.first
				if b.tiles != nil {
					var follows int // the weights that are wanted then
					switch {
					case k+1 < g.panel1:
						follows = begin + sum.weightsAt(k+1)
					case j+1 < len(sums):
						follows = end + sums[j+1].weightsAt(g.panel0)
					case i+1 < products:
						follows = end + sums[0].weightsAt(g.panel0)
					default: // the next group's, or the next block's
						follows = sums[0].weightsAt(g.panel1 % len(sum.panels))
					}
					rounds := ceil(tiles, len(b.tiles[p.vectors-1])) * max(1, sum.C/tileChannels)
					r.streams[0] = spread(room[follows:min(follows+len(p.weights), len(room))], rounds)
					r.streams[1], nextIn = spread(nextIn[:min(inEach, len(nextIn))], rounds), nextIn[min(inEach, len(nextIn)):]
					r.streams[2], nextOut = spread(nextOut[:min(outEach, len(nextOut))], rounds), nextOut[min(outEach, len(nextOut)):]
				}
				b.Set.run(&r)
			}
			begin, at = end, at+sum.C
		}
	}
}
