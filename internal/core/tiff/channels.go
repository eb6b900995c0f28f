package tiff

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A chosenChannel is where a channel is found.
type chosenChannel struct {
	number int // from 1, as people count
	page   int // the channel of the series
	sample int // of a page, or all
}

// chooseChannels finds the channels that are asked for or, if none is, the one that is taken without being asked.
func (s *series) chooseChannels(wanted []string, say func(string, ...any)) ([]chosenChannel, error) {
	names, colours := s.channelNames()
	if len(wanted) == 0 {
		switch {
		case colours && s.c == 1:
			if n := len(names) - 3; n > 0 && s.first().alpha() < 0 {
				say("the picture in colour; left: %s", count(n, "more sample"))
			}
			return []chosenChannel{{1, 0, all}}, nil
		case len(names) == 1:
			return []chosenChannel{s.channel(0, colours)}, nil
		}
		i, why := s.likeliest(names, colours)
		say("channel %d of %d%s%s; left: %s", i+1, len(names), comma(names[i]), why, listed(names, []int{i}))
		return []chosenChannel{s.channel(i, colours)}, nil
	}
	var chosen []int
	for _, w := range wanted {
		i, err := findChannel(names, w)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(chosen, i) {
			chosen = append(chosen, i)
		}
	}
	var out []chosenChannel
	var said []string
	for _, i := range chosen {
		out = append(out, s.channel(i, colours))
		said = append(said, strings.TrimSpace(fmt.Sprintf("%d %s", i+1, names[i])))
	}
	what := fmt.Sprintf("channel %d of %d%s", chosen[0]+1, len(names), comma(names[chosen[0]]))
	if len(chosen) > 1 {
		what = fmt.Sprintf("channels %s, each a picture", strings.Join(said, ", "))
	}
	if left := listed(names, chosen); left != "" {
		what += "; left: " + left
	}
	if len(names) > 1 {
		say("%s", what)
	}
	return out, nil
}

// likeliest is the channel that is taken of several: among those that this file has planes of, the one whose name says nuclei, else the first that is not empty.
// why says what was not found.
func (s *series) likeliest(names []string, colours bool) (i int, why string) {
	here := slices.Clone(names)
	var present []int
	for c := range names {
		if s.has(s.channel(c, colours).page) {
			present = append(present, c)
		} else {
			here[c] = ""
		}
	}
	if i := nucleiChannel(here); i >= 0 {
		return i, ""
	}
	var empty []string
	const most = 8 // more than that are not looked at: each may take as long as the picture itself
	for _, c := range present[:min(len(present), most)] {
		if !s.isEmpty(s.channel(c, colours)) {
			why := " (no name says nuclei"
			switch len(empty) {
			case 0:
			case 1:
				why += "; channel " + empty[0] + " is empty"
			default:
				why += "; channels " + strings.Join(empty, ", ") + " are empty"
			}
			return c, why + ")"
		}
		empty = append(empty, strconv.Itoa(c+1))
	}
	return present[0], " (no name says nuclei)"
}

// isEmpty tells whether a channel has one value in all its pixels at the first time, as far as some planes spread over z tell. What cannot be decoded is not empty:
// its error comes when it is asked for.
func (s *series) isEmpty(c chosenChannel) bool {
	const most = 5
	for i := range min(s.z, most) {
		page := s.at(c.page, i*s.z/min(s.z, most), 0)
		if page == nil {
			continue
		}
		channels := []int{c.sample}
		if c.sample == all {
			channels = page.everyChannel()
		}
		if constant, err := page.isConstant(channels); err != nil || !constant {
			return false
		}
	}
	return true
}

// channelNames lists the channels by number: those of the series, or the samples of its pages if there is but one and it is in colour. Names may be empty.
func (s *series) channelNames() (names []string, colours bool) {
	colours = s.isColour()
	n := s.channels()
	if colours && s.c == 1 {
		n = 3
		if p := s.first(); p.Photometric != Palette {
			n += p.Channels - p.Colours()
		}
		names = []string{"red", "green", "blue"}
		return append(names, make([]string, max(n-3, 0))...), true
	}
	for i := range n {
		name := s.name(i)
		if len(s.names) == s.c && s.c < n { // names of pages that hold several channels
			name = s.name(i / s.perPage())
		}
		names = append(names, name)
	}
	return names, colours
}

// channel is where the channel with index i of [series.channelNames] is.
func (s *series) channel(i int, colours bool) chosenChannel {
	switch n := s.perPage(); {
	case colours && s.c == 1:
		if i >= 3 {
			i += s.first().Colours() - 3 // behind the samples of the colour
			return chosenChannel{i + 4 - s.first().Colours(), 0, i}
		}
		return chosenChannel{i + 1, 0, i}
	case n > 1:
		return chosenChannel{i + 1, i / n, i % n}
	default:
		return chosenChannel{i + 1, i, all}
	}
}

// findChannel looks a channel up by its number, its name, or a part of the name that no other has; capital letters do not matter.
func findChannel(names []string, wanted string) (int, error) {
	wanted = strings.TrimSpace(wanted)
	for i, name := range names {
		if name != "" && strings.EqualFold(name, wanted) {
			return i, nil
		}
	}
	if n, err := strconv.Atoi(wanted); err == nil {
		if n < 1 || n > len(names) {
			return 0, fmt.Errorf("no channel %d: the file has %s", n, listed(names, nil))
		}
		return n - 1, nil
	}
	found := -1
	for i, name := range names {
		if wanted != "" && strings.Contains(strings.ToLower(name), strings.ToLower(wanted)) {
			if found >= 0 {
				return 0, fmt.Errorf("channel %q is %s as well as %s", wanted, names[found], name)
			}
			found = i
		}
	}
	if found < 0 {
		return 0, fmt.Errorf("no channel %q: the file has %s", wanted, listed(names, nil))
	}
	return found, nil
}

// listed names the channels other than some: "channels 1 FITC, 3 TRITC", or how many they are where they are many.
func listed(names []string, but []int) string {
	var s []string
	for i, name := range names {
		if !slices.Contains(but, i) {
			s = append(s, strings.TrimSpace(fmt.Sprintf("%d %s", i+1, name)))
		}
	}
	switch {
	case len(s) == 0:
		return ""
	case len(s) == 1:
		return "channel " + s[0]
	case len(s) > 8:
		return fmt.Sprintf("%d channels", len(s))
	}
	return "channels " + strings.Join(s, ", ")
}

func comma(name string) string {
	if name == "" {
		return ""
	}
	return ", " + name
}
