package moment

// Sums are the exact sums over the subjects of one cell: for one metric, variant and slice. Numerators and denominators
// are fixed point at the metric's two scales, which the Sums do not know; a product's scale is the sum of the two.
type Sums struct {
	// N counts the subjects, NonZero those of them whose numerator is not 0.
	N, NonZero int64
	// Approximate, Overflowed and OpenLimit count the points that carry the flag. An overflowed subject is not in N.
	Approximate, Overflowed, OpenLimit int64
	// Num and Den are Σ num and Σ den.
	Num, Den Int128
	// Num2, NumDen and Den2 are Σ num², Σ num·den and Σ den².
	Num2, NumDen, Den2 Int192
	// Before has the sums that involve the pre-period; all zero where the experiment has none.
	Before Before
}

// Before are the sums that involve a subject's pre-period totals: enough for CUPED of means and of ratios.
type Before struct {
	// Pre and PreDen are Σ pre and Σ preden.
	Pre, PreDen Int128
	// Pre2, PrePreDen and PreDen2 are Σ pre², Σ pre·preden and Σ preden².
	Pre2, PrePreDen, PreDen2 Int192
	// NumPre, NumPreDen, DenPre and DenPreDen are Σ num·pre, Σ num·preden, Σ den·pre and Σ den·preden.
	NumPre, NumPreDen, DenPre, DenPreDen Int192
}

// Add counts one subject in.
func (s *Sums) Add(p Point) {
	if p.Flags != 0 {
		s.flag(p.Flags, 1)
	}
	if !p.In {
		return
	}
	s.N++
	if p.Num != 0 {
		s.NonZero++
		s.Num = s.Num.Add(Int128From(p.Num))
		s.Num2 = s.Num2.Add(Product(p.Num, p.Num))
	}
	// A mean has denominator 1 in every point, and means are most metrics.
	if p.Den == 1 {
		s.Den = s.Den.Add(Int128{lo: 1})
		s.Den2 = s.Den2.Add(Int192{lo: 1})
		s.NumDen = s.NumDen.Add(Int192From(p.Num))
	} else if p.Den != 0 {
		s.Den = s.Den.Add(Int128From(p.Den))
		s.Den2 = s.Den2.Add(Product(p.Den, p.Den))
		s.NumDen = s.NumDen.Add(Product(p.Num, p.Den))
	}
	if p.Pre|p.PreDen != 0 {
		s.Before.add(p)
	}
}

// Sub takes one subject out: exactly what Add of the same point put in.
func (s *Sums) Sub(p Point) {
	if p.Flags != 0 {
		s.flag(p.Flags, -1)
	}
	if !p.In {
		return
	}
	s.N--
	if p.Num != 0 {
		s.NonZero--
		s.Num = s.Num.Sub(Int128From(p.Num))
		s.Num2 = s.Num2.Sub(Product(p.Num, p.Num))
	}
	if p.Den == 1 {
		s.Den = s.Den.Sub(Int128{lo: 1})
		s.Den2 = s.Den2.Sub(Int192{lo: 1})
		s.NumDen = s.NumDen.Sub(Int192From(p.Num))
	} else if p.Den != 0 {
		s.Den = s.Den.Sub(Int128From(p.Den))
		s.Den2 = s.Den2.Sub(Product(p.Den, p.Den))
		s.NumDen = s.NumDen.Sub(Product(p.Num, p.Den))
	}
	if p.Pre|p.PreDen != 0 {
		s.Before.sub(p)
	}
}

// Apply takes the old contribution of a change out and puts the new one in.
func (s *Sums) Apply(old, new Point) {
	// Most changes are of a numerator alone: what does not depend on it stays.
	if old.In && new.In && old.Flags|new.Flags == 0 && old.Den == 1 && new.Den == 1 && old.Pre|old.PreDen|new.Pre|new.PreDen == 0 {
		s.applyMean(old.Num, new.Num)
		return
	}
	s.Sub(old)
	s.Add(new)
}

// applyMean is Apply for a subject whose denominator is 1 and stays so.
func (s *Sums) applyMean(old, new int64) {
	by := Int192From(new).Sub(Int192From(old))
	s.NumDen = s.NumDen.Add(by)
	s.Num = s.Num.Add(Int128{by.mid, by.lo})
	s.Num2 = s.Num2.Sub(Product(old, old)).Add(Product(new, new))
	if old != 0 {
		s.NonZero--
	}
	if new != 0 {
		s.NonZero++
	}
}

func (s *Sums) flag(f Flags, by int64) {
	if f&Approximate != 0 {
		s.Approximate += by
	}
	if f&Overflowed != 0 {
		s.Overflowed += by
	}
	if f&OpenLimit != 0 {
		s.OpenLimit += by
	}
}

// Merge adds other's subjects to s. The two must have no subject in common, or it is counted twice.
func (s *Sums) Merge(other *Sums) {
	s.N += other.N
	s.NonZero += other.NonZero
	s.Num = s.Num.Add(other.Num)
	s.Den = s.Den.Add(other.Den)
	s.Num2 = s.Num2.Add(other.Num2)
	s.NumDen = s.NumDen.Add(other.NumDen)
	s.Den2 = s.Den2.Add(other.Den2)
	s.Approximate += other.Approximate
	s.Overflowed += other.Overflowed
	s.OpenLimit += other.OpenLimit
	if other.Before != (Before{}) {
		s.Before.merge(&other.Before)
	}
}

// Unmerge takes other's subjects out of s: the inverse of Merge.
func (s *Sums) Unmerge(other *Sums) {
	s.N -= other.N
	s.NonZero -= other.NonZero
	s.Num = s.Num.Sub(other.Num)
	s.Den = s.Den.Sub(other.Den)
	s.Num2 = s.Num2.Sub(other.Num2)
	s.NumDen = s.NumDen.Sub(other.NumDen)
	s.Den2 = s.Den2.Sub(other.Den2)
	s.Approximate -= other.Approximate
	s.Overflowed -= other.Overflowed
	s.OpenLimit -= other.OpenLimit
	if other.Before != (Before{}) {
		s.Before.unmerge(&other.Before)
	}
}

// Equal says that the two are the same number for number.
func (s *Sums) Equal(other *Sums) bool { return *s == *other }

// IsZero says that nothing has been added, or that everything has been taken out again.
func (s *Sums) IsZero() bool { return *s == Sums{} }

// HasBefore says that some subject has a pre-period total other than 0.
func (s *Sums) HasBefore() bool { return s.Before != (Before{}) }

func (b *Before) add(p Point) {
	b.Pre = b.Pre.Add(Int128From(p.Pre))
	b.PreDen = b.PreDen.Add(Int128From(p.PreDen))
	b.Pre2 = b.Pre2.Add(Product(p.Pre, p.Pre))
	b.PrePreDen = b.PrePreDen.Add(Product(p.Pre, p.PreDen))
	b.PreDen2 = b.PreDen2.Add(Product(p.PreDen, p.PreDen))
	b.NumPre = b.NumPre.Add(Product(p.Num, p.Pre))
	b.NumPreDen = b.NumPreDen.Add(Product(p.Num, p.PreDen))
	b.DenPre = b.DenPre.Add(Product(p.Den, p.Pre))
	b.DenPreDen = b.DenPreDen.Add(Product(p.Den, p.PreDen))
}

func (b *Before) sub(p Point) {
	b.Pre = b.Pre.Sub(Int128From(p.Pre))
	b.PreDen = b.PreDen.Sub(Int128From(p.PreDen))
	b.Pre2 = b.Pre2.Sub(Product(p.Pre, p.Pre))
	b.PrePreDen = b.PrePreDen.Sub(Product(p.Pre, p.PreDen))
	b.PreDen2 = b.PreDen2.Sub(Product(p.PreDen, p.PreDen))
	b.NumPre = b.NumPre.Sub(Product(p.Num, p.Pre))
	b.NumPreDen = b.NumPreDen.Sub(Product(p.Num, p.PreDen))
	b.DenPre = b.DenPre.Sub(Product(p.Den, p.Pre))
	b.DenPreDen = b.DenPreDen.Sub(Product(p.Den, p.PreDen))
}

func (b *Before) merge(o *Before) {
	b.Pre = b.Pre.Add(o.Pre)
	b.PreDen = b.PreDen.Add(o.PreDen)
	b.Pre2 = b.Pre2.Add(o.Pre2)
	b.PrePreDen = b.PrePreDen.Add(o.PrePreDen)
	b.PreDen2 = b.PreDen2.Add(o.PreDen2)
	b.NumPre = b.NumPre.Add(o.NumPre)
	b.NumPreDen = b.NumPreDen.Add(o.NumPreDen)
	b.DenPre = b.DenPre.Add(o.DenPre)
	b.DenPreDen = b.DenPreDen.Add(o.DenPreDen)
}

func (b *Before) unmerge(o *Before) {
	b.Pre = b.Pre.Sub(o.Pre)
	b.PreDen = b.PreDen.Sub(o.PreDen)
	b.Pre2 = b.Pre2.Sub(o.Pre2)
	b.PrePreDen = b.PrePreDen.Sub(o.PrePreDen)
	b.PreDen2 = b.PreDen2.Sub(o.PreDen2)
	b.NumPre = b.NumPre.Sub(o.NumPre)
	b.NumPreDen = b.NumPreDen.Sub(o.NumPreDen)
	b.DenPre = b.DenPre.Sub(o.DenPre)
	b.DenPreDen = b.DenPreDen.Sub(o.DenPreDen)
}
