package tiff

import "strings"

// coarsest is the largest size of a pixel, in µm, that is believed of the tags of resolution alone: what cameras and scanners write is meant for print, 1200 dots
// an inch or fewer, and says nothing about the size of things.
const coarsest = 20

// pixelSize gives the width and the height of a pixel in µm from Aperio's description, or from the tags XResolution, YResolution and ResolutionUnit; zeros where they
// do not say.
func (p *Page) pixelSize() [2]float64 {
	if text := p.Description(); strings.HasPrefix(text, "Aperio") {
		if _, after, ok := strings.Cut(text, "|MPP = "); ok {
			value, _, _ := strings.Cut(after, "|")
			size := length(value, "")
			return [2]float64{size, size}
		}
	}
	unit := 25400.0
	if v := p.numbers(tagResolutionUnit, 1); len(v) == 1 {
		switch v[0] {
		case 3:
			unit = 10000
		case 1:
			return [2]float64{}
		}
	}
	var size [2]float64
	for i, tag := range []uint16{tagXResolution, tagYResolution} {
		v := p.numbers(tag, 1)
		if len(v) != 1 || !(v[0] > 0) || !(unit/v[0] < coarsest) || unit/v[0] < 1e-4 {
			return [2]float64{}
		}
		size[i] = unit / v[0]
	}
	return size
}

// micrometres gives the length of a unit of OME-XML or ImageJ. Units that are not lengths, such as "pixel", have none; otherwise stands for a missing one.
func micrometres(unit string, otherwise float64) float64 {
	switch strings.ToLower(strings.TrimSpace(unit)) {
	case "":
		return otherwise
	case "µm", "μm", "um", `\u00b5m`, "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres":
		return 1
	case "nm", "nanometer", "nanometers", "nanometre":
		return 1e-3
	case "å", "angstrom":
		return 1e-4
	case "pm":
		return 1e-6
	case "mm", "millimeter", "millimetre":
		return 1e3
	case "cm", "centimeter", "centimetre":
		return 1e4
	case "m", "meter", "metre":
		return 1e6
	case "in", "inch", "inches":
		return 25400
	}
	return 0
}
