package overlay

import (
	"image"
	"image/color"
	"math"
)

// Colours are chosen in Oklab (Björn Ottosson, 2020), where equal distances look about equally different: lightness l from 0 to 1, a and b for colour.
type lab struct{ l, a, b float64 }

func (c lab) distance(d lab) float64 {
	return math.Sqrt((c.l-d.l)*(c.l-d.l) + (c.a-d.a)*(c.a-d.a) + (c.b-d.b)*(c.b-d.b))
}

// linear gives red, green and blue before the sRGB curve; values outside of 0…1 cannot be shown.
func (c lab) linear() [3]float64 {
	l := c.l + 0.3963377774*c.a + 0.2158037573*c.b
	m := c.l - 0.1055613458*c.a - 0.0638541728*c.b
	s := c.l - 0.0894841775*c.a - 1.2914855480*c.b
	l, m, s = l*l*l, m*m*m, s*s*s
	return [3]float64{
		4.0767416621*l - 3.3077115913*m + 0.2309699292*s,
		-1.2684380046*l + 2.6097574011*m - 0.3413193965*s,
		-0.0041960863*l - 0.7034186147*m + 1.7076147010*s,
	}
}

func (c lab) rgb() color.RGBA {
	var out [3]uint8
	for i, v := range c.linear() {
		if v <= 0.0031308 {
			v *= 12.92
		} else {
			v = 1.055*math.Pow(v, 1/2.4) - 0.055
		}
		out[i] = uint8(min(max(v, 0), 1)*255 + 0.5)
	}
	return color.RGBA{out[0], out[1], out[2], 255}
}

func toLab(r, g, b float64) lab {
	var lin [3]float64
	for i, v := range [3]float64{r / 255, g / 255, b / 255} {
		if v <= 0.04045 {
			lin[i] = v / 12.92
		} else {
			lin[i] = math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	l := math.Cbrt(0.4122214708*lin[0] + 0.5363325363*lin[1] + 0.0514459929*lin[2])
	m := math.Cbrt(0.2119034982*lin[0] + 0.6806995451*lin[1] + 0.1073969566*lin[2])
	s := math.Cbrt(0.0883024619*lin[0] + 0.2817188376*lin[1] + 0.6299787005*lin[2])
	return lab{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

// vivid is a colourful shade of a hue (radians) at a lightness, as far as a screen can show it.
func vivid(lightness, hue float64) lab {
	sin, cos := math.Sincos(hue)
	for chroma := 0.2; ; chroma -= 0.005 {
		c := lab{lightness, chroma * cos, chroma * sin}
		lin := c.linear()
		if chroma <= 0 || min(lin[0], lin[1], lin[2]) >= 0 && max(lin[0], lin[1], lin[2]) <= 1 {
			return c
		}
	}
}

// palette gives colours that stand out from a photo of the given mean: ten hues in two shades, without hues like the photo's own.
func palette(photo lab) []lab {
	shades := [2]float64{0.85, 0.70}
	var colours []lab
	for i := range 20 {
		c := vivid(shades[i%2], 2*math.Pi*(float64(i%10)+0.5*float64(i/10))/10)
		tinted := math.Hypot(photo.a, photo.b) > 0.03
		if angle := math.Atan2(c.b, c.a) - math.Atan2(photo.b, photo.a); tinted && math.Cos(angle) > 0.4 {
			continue
		}
		colours = append(colours, c)
	}
	return colours
}

// assign gives each instance, in their order, the colour that differs most from those of its neighbours so far; among equals the one that was used least.
// Leaving out later instances does not change the earlier ones. Colours are indices of the palette. kept has those that are known already, and free for the
// others; nil means that all are free.
func assign(boxes []image.Rectangle, palette []lab, kept []int) []int {
	out := make([]int, len(boxes))
	used := make([]int, len(palette))
	for i := range out {
		out[i] = free
		if kept != nil && kept[i] != free {
			out[i] = kept[i]
			used[kept[i]]++
		}
	}
	for i, b := range boxes {
		if out[i] != free {
			continue
		}
		best, bestScore := 0, math.Inf(-1)
		for k, c := range palette {
			score := -0.02 * float64(used[k])
			score -= 1e-4 * float64((k*7+i)%len(palette)) // some order among equals
			for j, other := range out {
				if other == free {
					continue
				}
				if gap := distance(b, boxes[j]); gap < reach(b, boxes[j]) {
					d := c.distance(palette[other])
					score -= (1 - 0.8*gap/reach(b, boxes[j])) * 0.01 / (d*d + 0.002) // alike is bad, and the worse the nearer
				}
			}
			if score > bestScore {
				best, bestScore = k, score
			}
		}
		out[i] = best
		used[best]++
	}
	return out
}

// free is no colour.
const free = -1

// distance is the gap between two boxes in pixels, 0 when they touch.
func distance(a, b image.Rectangle) float64 {
	dx := max(a.Min.X-b.Max.X, b.Min.X-a.Max.X, 0)
	dy := max(a.Min.Y-b.Max.Y, b.Min.Y-a.Max.Y, 0)
	return math.Hypot(float64(dx), float64(dy))
}

// reach is how far apart two boxes may be to be neighbours: the size of the smaller one.
func reach(a, b image.Rectangle) float64 {
	return float64(1 + min(max(a.Dx(), a.Dy()), max(b.Dx(), b.Dy())))
}
