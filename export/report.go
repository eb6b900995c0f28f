package export

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/spinemask/spinemask/internal/core/page"
	"github.com/spinemask/spinemask/internal/core/resultjson"
)

// ReportPictures is how many images a report shows; the others are only in its table. It keeps the page below about 30 MB.
const ReportPictures = 1000

// thumbnailSide is the longer side of a report's thumbnails, pixels.
const thumbnailSide = 360

//go:embed report.html
var reportText string

var reportTemplate = page.New("report", reportText)

// A Report is one HTML page about a run that needs nothing else: pictures with outlines that can be switched off, a table that can be sorted, histograms of
// scores and sizes, and how the results were made.
type Report struct {
	w    io.Writer
	page reportPage
	// Of all instances: score, and the diameter of the circle of the same area.
	scores, diameters []float64
	classes           map[string]int // index in page.Classes
}

type reportPage struct {
	Info       Info
	Images     []reportImage
	Failures   []Failure
	Classes    []reportClass
	Instances  int
	Scores     histogram
	Diameters  histogram
	Unpictured int
	MinScore   string
}

type reportClass struct {
	Index, Count int
	Name         string
	Colour       template.CSS
}

type reportImage struct {
	Image
	Count    int
	Score    string // mean; empty where nothing was found
	Diameter string // median
	Covered  string // part of the pixels
	Items    string // of each instance: class, score, area, and the pixels that no better one has, of all and of its class
	Picture  template.URL
	Shapes   []reportShape
}

type reportShape struct {
	Class  int
	Colour string
	Score  string
	Title  string
	Path   string
}

// NewReport begins a page on w.
func NewReport(w io.Writer, info Info, categories []Category) *Report {
	r := &Report{w: w, classes: map[string]int{}}
	r.page.Info, r.page.MinScore = info, strconv.FormatFloat(math.Floor(info.MinScore*100)/100, 'f', 2, 64)
	for i, c := range categories {
		r.classes[c.Name] = i
		r.page.Classes = append(r.page.Classes, reportClass{Index: i, Name: c.Name, Colour: template.CSS(hue(i))})
	}
	return r
}

// hue gives colours that differ most from their neighbours: steps of the golden angle.
func hue(i int) string { return fmt.Sprintf("hsl(%d 95%% 60%%)", (i*1375+100)/10%360) }

// Add takes a picture.
func (r *Report) Add(p *Picture) error {
	im := reportImage{Image: p.Image, Count: len(p.Instances)}
	var diameters []float64
	sum := 0.0
	for i := range p.Instances {
		in := &p.Instances[i]
		area := in.area()
		d := 2 * math.Sqrt(area/math.Pi)
		diameters = append(diameters, d)
		sum += float64(in.Score)
		r.scores = append(r.scores, float64(in.Score))
		class, ok := r.classes[in.Name]
		if ok {
			r.page.Classes[class].Count++
		}
		if p.Thumbnail != nil {
			im.Shapes = append(im.Shapes, r.shape(p, i, class, area))
		}
	}
	r.diameters = append(r.diameters, diameters...)
	im.Items = r.items(p)
	if n := len(p.Instances); n > 0 {
		slices.Sort(diameters)
		im.Score = strconv.FormatFloat(sum/float64(n), 'f', 3, 64)
		im.Diameter = strconv.FormatFloat(diameters[n/2], 'f', 1, 64)
	}
	im.Covered = strconv.FormatFloat(100*float64(p.covered())/float64(p.Width*p.Height), 'f', 1, 64)
	if p.Thumbnail != nil {
		im.Picture = page.JPEG(p.Thumbnail)
	} else {
		r.page.Unpictured++
	}
	r.page.Instances += len(p.Instances)
	r.page.Images = append(r.page.Images, im)
	return nil
}

// items is what the page counts anew when something is filtered out. What is left after a filter by score covers the sum of the pixels that no better one has.
func (r *Report) items(p *Picture) string {
	all, own := p.added(), make([]int, len(p.Instances))
	byClass := map[string][]int{}
	for i := range p.Instances {
		byClass[p.Instances[i].Name] = append(byClass[p.Instances[i].Name], i)
	}
	for _, list := range byClass {
		if len(byClass) == 1 {
			own = all
			break
		}
		class := newCover(&p.Image)
		for _, i := range list {
			own[i] = class.add(p.Instances[i].extent(p))
		}
	}
	var b []byte
	for i := range p.Instances {
		in := &p.Instances[i]
		if i > 0 {
			b = append(b, ';')
		}
		b = strconv.AppendInt(b, int64(r.classes[in.Name]), 10)
		b = resultjson.AppendScore(append(b, ','), in.Score)
		b = resultjson.AppendNumber(append(b, ','), in.area())
		for _, n := range []int{all[i], own[i]} {
			b = strconv.AppendInt(append(b, ','), int64(n), 10)
		}
	}
	return string(b)
}

// shape draws an instance, in pixels of the image, with no more corners than the thumbnail shows.
func (r *Report) shape(p *Picture, i, class int, area float64) reportShape {
	in := &p.Instances[i]
	s := reportShape{Class: class, Colour: hue(class), Score: string(resultjson.AppendScore(nil, in.Score))}
	if len(r.page.Classes) < 2 {
		s.Colour = hue(i)
	}
	s.Title = fmt.Sprintf("%d: %s %.2f, %.0f pixels", i+1, in.Name, in.Score, area)
	scale := float64(max(p.Width, p.Height)) / thumbnailSide
	var b []byte
	for _, part := range outlines(in.extent(p), max(tolerance, 0.5*scale)) {
		b = appendPath(b, part.outer)
		for _, h := range part.holes {
			b = appendPath(b, h)
		}
	}
	s.Path = string(b)
	return s
}

func appendPath(b []byte, line []point) []byte {
	for i, q := range line {
		b = append(b, "ML"[min(i, 1)])
		b = resultjson.AppendNumber(b, q.x)
		b = append(b, ' ')
		b = resultjson.AppendNumber(b, q.y)
	}
	return append(b, 'Z')
}

// Fail takes a picture without results.
func (r *Report) Fail(_ int64, f Failure) error {
	r.page.Failures = append(r.page.Failures, f)
	return nil
}

// Close writes the page.
func (r *Report) Close() error {
	r.page.Scores = newHistogram(r.scores, r.page.Info.MinScore, 1, 2)
	top := 1.0
	if len(r.diameters) > 0 {
		slices.Sort(r.diameters)
		top = r.diameters[len(r.diameters)*99/100] // a few giants do not press all others into one bar
	}
	r.page.Diameters = newHistogram(r.diameters, 0, niceCeil(top), 0)
	return reportTemplate.Execute(r.w, &r.page)
}

// A histogram is drawn by the page, in a box of 400×120 units.
type histogram struct {
	Low, High float64
	Digits    int // of the numbers below
	Bars      []bar
	Ticks     []tick
	Beyond    int // values above the last bar
}

type bar struct {
	X, Y, Width, Height float64
	Title               string
}

type tick struct {
	X    float64
	Text string
}

// newHistogram counts values in 25 bars from low to high.
func newHistogram(values []float64, low, high float64, digits int) histogram {
	const bars, width, height = 25, 400.0, 120.0
	if high <= low {
		low = high - 1
	}
	var counts [bars]int
	h := histogram{Low: low, High: high, Digits: digits}
	most := 1
	for _, v := range values {
		i := int((v - low) / (high - low) * bars)
		if v > high {
			h.Beyond++
			continue
		}
		i = min(max(i, 0), bars-1)
		counts[i]++
		most = max(most, counts[i])
	}
	for i, n := range counts {
		tall := math.Round(10*height*float64(n)/float64(most)) / 10
		from, to := low+(high-low)*float64(i)/bars, low+(high-low)*float64(i+1)/bars
		h.Bars = append(h.Bars, bar{width / bars * float64(i), height - tall, width/bars - 1, tall, fmt.Sprintf("%.*f to %.*f: %d", digits+1, from, digits+1, to, n)})
	}
	for i := range 6 {
		h.Ticks = append(h.Ticks, tick{width * float64(i) / 5, strconv.FormatFloat(low+(high-low)*float64(i)/5, 'f', digits, 64)})
	}
	return h
}

// niceCeil is the next of 5, 10, 20, 50, 100, ….
func niceCeil(v float64) float64 {
	for scale := 5.0; ; scale *= 10 {
		for _, f := range []float64{1, 2, 4} {
			if v <= scale*f {
				return scale * f
			}
		}
	}
}
