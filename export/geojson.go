package export

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
)

type feature struct {
	Type       string   `json:"type"`
	Geometry   geometry `json:"geometry"`
	Properties struct {
		ObjectType     string `json:"objectType"`
		Classification struct {
			Name  string `json:"name"`
			Color [3]int `json:"color"`
		} `json:"classification"`
		Measurements map[string]float64 `json:"measurements"`
	} `json:"properties"`
}

type geometry struct {
	Type        string `json:"type"`
	Coordinates any    `json:"coordinates"`
}

// What QuPath takes the features of GeoJSON for: detections are many and fixed, annotations can be edited.
const (
	Detection  = "detection"
	Annotation = "annotation"
)

// GeoJSON writes a picture as a FeatureCollection that QuPath opens, with class and measurements, as objects of a type: Detection or Annotation. Coordinates are
// pixels, y down, holes included. Measurements have the names of the columns of [CSV].
func GeoJSON(w io.Writer, p *Picture, objects string) error {
	if objects != Detection && objects != Annotation {
		return fmt.Errorf("export: objects %q: want %q or %q", objects, Detection, Annotation)
	}
	collection := struct {
		Type     string    `json:"type"`
		Features []feature `json:"features"`
	}{"FeatureCollection", []feature{}}
	for i := range p.Instances {
		in := &p.Instances[i]
		parts := outlines(in.Mask, tolerance)
		if len(parts) == 0 {
			continue
		}
		f := feature{Type: "Feature"}
		var polygons [][][][2]float64
		for _, part := range parts {
			rings := [][][2]float64{closedRing(part.outer)}
			for _, h := range part.holes {
				rings = append(rings, closedRing(h))
			}
			polygons = append(polygons, rings)
		}
		f.Geometry = geometry{"MultiPolygon", polygons}
		if len(polygons) == 1 {
			f.Geometry = geometry{"Polygon", polygons[0]}
		}
		f.Properties.ObjectType = objects
		f.Properties.Classification.Name = in.Name
		f.Properties.Classification.Color = classColor(in.Name)
		f.Properties.Measurements = measurements(p, in)
		collection.Features = append(collection.Features, f)
	}
	return json.NewEncoder(w).Encode(collection)
}

func measurements(p *Picture, in *Instance) map[string]float64 {
	area := float64(in.Mask.Area())
	m := map[string]float64{"score": float64(in.Score), "area": area}
	if one := p.pixelArea(); one > 0 {
		m["area_um2"], m["diameter_um"] = significant(area*one), significant(diameter(area*one))
	}
	for i, end := range channelNames(len(in.Intensity)) {
		if i < len(in.Intensity) {
			v := in.Intensity[i]
			m["intensity_mean"+end], m["intensity_min"+end], m["intensity_max"+end] = v.Mean, v.Min, v.Max
		}
	}
	return m
}

// closedRing repeats the first point at the end.
func closedRing(line []point) [][2]float64 {
	ring := make([][2]float64, 0, len(line)+1)
	for _, q := range line {
		ring = append(ring, [2]float64{q.x, q.y})
	}
	return append(ring, ring[0])
}

// classColor is a strong colour that depends on the name alone.
func classColor(name string) [3]int {
	h := fnv.New32a()
	io.WriteString(h, name)
	palette := [...][3]int{{230, 25, 75}, {60, 180, 75}, {0, 130, 200}, {245, 130, 48}, {145, 30, 180}, {70, 200, 240}, {240, 50, 230}, {210, 180, 40}}
	return palette[h.Sum32()%uint32(len(palette))]
}
