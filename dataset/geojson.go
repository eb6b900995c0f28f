package dataset

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spinemask/spinemask/rle"
)

type geoFeature struct {
	Type     string `json:"type"`
	Geometry struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
	Properties struct {
		ObjectType     string `json:"objectType"`
		Classification struct {
			Name string `json:"name"`
		} `json:"classification"`
	} `json:"properties"`
}

// className is the class of things that nothing classifies.
const className = "object"

func (f *geoFeature) class() string {
	if name := f.Properties.Classification.Name; name != "" {
		return name
	}
	return className
}

// openGeoJSON reads outlines of QuPath, a file for each picture, which is the one of the
// same name. Coordinates are pixels. Pictures are upright, as "segment" makes them.
func openGeoJSON(files []string, o Options) (*Set, error) {
	s := &Set{Kind: GeoJSON}
	names := map[string]int{}
	features := map[string][]geoFeature{}
	finders := map[string]*Finder{}
	for _, file := range files {
		list, err := readFeatures(file)
		if err != nil {
			s.fault("unreadable", file, "%s", reasonOf(err))
			continue
		}
		folder := o.Images
		if folder == "" {
			folder = filepath.Dir(file)
		}
		if finders[folder] == nil {
			finders[folder] = NewFinder(folder)
		}
		name := stem(strings.TrimSuffix(filepath.Base(file), ".gz"))
		p, err := finders[folder].Find(name)
		if err != nil {
			s.fault("file-missing", file, "%v; --images names the folder of the images", err)
			continue
		}
		for i := range list {
			names[list[i].class()] = 0
		}
		features[file] = list
		s.Images = append(s.Images, Image{Name: filepath.Base(p), Path: p, Place: file})
	}
	s.number(names)
	s.settle(false)
	for i := range s.Images {
		im := &s.Images[i]
		for k, f := range features[im.Place] {
			place := fmt.Sprintf("%s: features[%d] (%s)", im.Place, k, f.class())
			if m, ok := s.geometry(&f, im, place); ok {
				im.Objects = append(im.Objects, masked(names[f.class()], m, place))
			}
		}
	}
	return s, nil
}

// readFeatures reads a FeatureCollection, a list of features, or a single one.
func readFeatures(file string) ([]geoFeature, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(data[:min(len(data), 100)])), "[") {
		var list []geoFeature
		err := json.Unmarshal(data, &list)
		return list, err
	}
	var doc struct {
		geoFeature
		Features []geoFeature `json:"features"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	switch doc.Type {
	case "FeatureCollection":
		return doc.Features, nil
	case "Feature":
		return []geoFeature{doc.geoFeature}, nil
	}
	return nil, fmt.Errorf("type is %q, want FeatureCollection", doc.Type)
}

// geometry fills a feature: its polygons less their holes, by pycocotools' rule; ok is
// false if it is to be left out.
func (s *Set) geometry(f *geoFeature, im *Image, place string) (m rle.Mask, ok bool) {
	var polygons [][][][]float64
	var err error
	switch f.Geometry.Type {
	case "Polygon":
		polygons = make([][][][]float64, 1)
		err = json.Unmarshal(f.Geometry.Coordinates, &polygons[0])
	case "MultiPolygon":
		err = json.Unmarshal(f.Geometry.Coordinates, &polygons)
	case "Point", "MultiPoint", "LineString", "MultiLineString":
		s.warn("shape-type", place, "a %s has no area; it is left out", f.Geometry.Type)
		return m, false
	default:
		s.fault("shape-type", place, "geometry of the type %q is not known; Polygon and MultiPolygon are", f.Geometry.Type)
		return m, false
	}
	if err != nil {
		s.fault("coordinates", place, "%s", reasonOf(err))
		return m, false
	}
	var parts []rle.Mask
	var outer [][]float64
	for _, rings := range polygons {
		var part rle.Mask
		for i, ring := range rings {
			xy := make([]float64, 0, 2*len(ring))
			for _, p := range ring {
				if len(p) < 2 {
					s.fault("coordinates", place, "a point has %d numbers, want x and y", len(p))
					return m, false
				}
				xy = append(xy, p[0], p[1])
			}
			if why := badPolygon(xy); why != "" {
				s.fault("polygon", place, "a ring %s", why)
				return m, false
			}
			filled := rle.FromPolygon(xy, im.Height, im.Width)
			if i == 0 {
				part, outer = filled, append(outer, xy)
			} else {
				part = rle.Difference(part, filled)
			}
		}
		if len(rings) > 0 {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		s.fault("coordinates", place, "the %s has no ring", f.Geometry.Type)
		return m, false
	}
	m = rle.Union(parts...)
	return m, s.filled(m, outer, im, place)
}
