package export

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/spinemask/spinemask/internal/core/imageio"
	"github.com/spinemask/spinemask/internal/core/samples"
	"github.com/spinemask/spinemask/rle"
)

// An Intensity is what a picture holds in one channel at the pixels of a mask, in its own values: those of the file, before anything was made brighter for the
// model. (Pixels that are not a number are left out.)
type Intensity struct {
	Mean float64 `json:"mean"`
	Min  float64 `json:"min"`
	Max  float64 `json:"max"`
}

// Measure fills in the intensities of all instances from the Photo, which must be there. A picture whose channels are all equal is a grey one.
func (p *Picture) Measure() error {
	photo, err := p.pixels()
	if err != nil {
		return err
	}
	values := valuesOf(photo)
	for i := range p.Instances {
		p.Instances[i].Intensity = intensities(p.Instances[i].extent(p), values)
	}
	return nil
}

// pixels gives the Photo in 8-bit RGB. It must be there, in the size of the image.
func (p *Picture) pixels() (*imageio.Image, error) {
	if p.Photo == nil {
		return nil, fmt.Errorf("export: %s: want the pixels of the image, and Photo is nil", p.FileName)
	}
	if size := p.Photo.Bounds().Size(); size.X != p.Width || size.Y != p.Height {
		return nil, fmt.Errorf("export: %s: Photo has %d×%d pixels, the image %d×%d (width × height)", p.FileName, size.X, size.Y, p.Width, p.Height)
	}
	if photo, ok := p.Photo.(*imageio.Image); ok {
		return photo, nil
	}
	return imageio.FromImage(p.Photo), nil
}

// valuesOf gives the values of a picture, of one channel or of three.
func valuesOf(p *imageio.Image) *samples.Samples {
	if p.Samples != nil {
		return p.Samples
	}
	s := &samples.Samples{Width: p.Width, Height: p.Height, Channels: 3, Kind: samples.Unsigned, Bits: 8, U8: p.Pix}
	for i := 0; i < len(p.Pix); i += 3 {
		if p.Pix[i] != p.Pix[i+1] || p.Pix[i] != p.Pix[i+2] {
			return s
		}
	}
	grey := samples.New(p.Width, p.Height, 1, samples.Unsigned, 8)
	for i := range grey.U8 {
		grey.U8[i] = p.Pix[3*i]
	}
	return grey
}

// intensities gives one for each channel; none where a mask has no pixel whose value is a number.
func intensities(m rle.Mask, s *samples.Samples) []Intensity {
	list := make([]Intensity, s.Channels)
	for c := range list {
		sum, n, low, high := 0.0, 0, math.Inf(1), math.Inf(-1)
		eachSpan(m, func(x, y0, y1 int) {
			for y := y0; y < y1; y++ {
				v := s.At((y*s.Width+x)*s.Channels + c)
				if math.IsNaN(v) || math.IsInf(v, 0) {
					continue
				}
				sum += v
				n++
				low, high = min(low, v), max(high, v)
			}
		})
		if n == 0 {
			return nil
		}
		list[c] = Intensity{significant(sum / float64(n)), significant(low), significant(high)}
	}
	return list
}

// significant rounds to ten digits, which is more than any picture has, and less than the noise of sums.
func significant(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 10, 64), 64)
	if err != nil {
		return v
	}
	return r
}

// appendIntensity appends the member of an instance's object, if there is one.
func appendIntensity(b []byte, list []Intensity) []byte {
	if len(list) == 0 {
		return b
	}
	data, err := json.Marshal(list)
	if err != nil {
		panic("export: an intensity that is not a number") // those are left out
	}
	return append(append(b, `,"intensity":`...), data...)
}

// channelNames are the ends of the names of columns and measurements, after "intensity_mean" for instance.
func channelNames(channels int) []string {
	if channels == 1 {
		return []string{""}
	}
	return []string{"_red", "_green", "_blue"}
}

// pixelArea is the area of a pixel in µm²; 0 where its size is not known.
func (im *Image) pixelArea() float64 { return im.PixelSize[0] * im.PixelSize[1] }

// diameter is that of a circle of the area.
func diameter(area float64) float64 { return 2 * math.Sqrt(area/math.Pi) }
