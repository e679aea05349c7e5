//! The cart: lines told apart by sku, in the order in which they came.

use footfall_protocol::Amount;
use footfall_protocol::event::Line;
use footfall_protocol::limits::{CART_LINES_MAX, QUANTITY_MAX};
use serde::{Deserialize, Serialize};

/// One line of the cart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CartLine {
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) price: Amount,
    pub(super) quantity: u32,
    pub(super) category: String,
    pub(super) brand: String,
}

/// What is in the cart now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cart {
    pub(super) lines: Vec<CartLine>,
    pub(super) currency: String,
    /// When it last changed; 0 for never.
    pub(super) changed_ms: u64,
    /// Lines that found no room.
    pub(super) lines_dropped: u32,
}

impl Cart {
    /// Sum over the lines of price times quantity.
    pub(super) fn value(&self) -> Amount {
        self.lines.iter().map(|l| l.price.times(l.quantity)).fold(Amount::ZERO, Amount::plus)
    }

    /// Sum of the quantities.
    pub(super) fn count(&self) -> u64 {
        self.lines.iter().map(|l| u64::from(l.quantity)).sum()
    }

    /// Adds each line's quantity (1 when it says none); name and price follow the newest word on them.
    pub(super) fn add(&mut self, lines: &[Line], now_ms: u64) {
        for line in lines {
            self.put(line, line.quantity.unwrap_or(1));
        }
        self.changed_ms = now_ms;
    }

    /// Takes each line's quantity out; a line that says no quantity goes whole.
    pub(super) fn remove(&mut self, lines: &[Line], now_ms: u64) {
        for gone in lines {
            let left = |line: &CartLine| gone.quantity.map_or(0, |quantity| line.quantity.saturating_sub(quantity));
            for line in self.lines.iter_mut().filter(|l| l.sku == gone.sku) {
                line.quantity = left(line);
            }
        }
        self.lines.retain(|l| l.quantity > 0);
        self.changed_ms = now_ms;
    }

    /// The store's own word on the whole cart.
    pub(super) fn replace(&mut self, lines: &[Line], now_ms: u64) {
        let before = std::mem::take(&mut self.lines);
        for line in lines {
            self.put(line, line.quantity.unwrap_or(1));
        }
        if self.lines != before {
            self.changed_ms = now_ms;
        }
    }

    /// Nothing is left.
    pub(super) fn clear(&mut self, now_ms: u64) {
        if !self.lines.is_empty() {
            self.lines.clear();
            self.changed_ms = now_ms;
        }
    }

    fn put(&mut self, line: &Line, quantity: u32) {
        if !line.currency.is_empty() {
            self.currency.clone_from(&line.currency);
        }
        let at = self.lines.iter().position(|l| l.sku == line.sku);
        if at.is_none() && (quantity == 0 || self.lines.len() >= CART_LINES_MAX) {
            self.lines_dropped += u32::from(quantity > 0);
            return;
        }
        let at = at.unwrap_or_else(|| {
            self.lines.push(CartLine { sku: line.sku.clone(), ..CartLine::default() });
            self.lines.len() - 1
        });
        let kept = &mut self.lines[at];
        kept.quantity = kept.quantity.saturating_add(quantity).min(QUANTITY_MAX);
        if let Some(price) = line.price {
            kept.price = price;
        }
        for (to, from) in
            [(&mut kept.name, &line.name), (&mut kept.category, &line.category), (&mut kept.brand, &line.brand)]
        {
            if !from.is_empty() {
                to.clone_from(from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sku: &str, price: f64, quantity: Option<u32>) -> Line {
        Line { sku: sku.into(), price: Amount::from_units(price), quantity, currency: "EUR".into(), ..Line::default() }
    }

    #[test]
    fn lines_add_up_and_go() {
        let mut cart = Cart::default();
        cart.add(&[line("a", 10.5, None), line("b", 3.0, Some(2))], 1);
        cart.add(&[line("a", 11.0, Some(2))], 2);
        assert_eq!((cart.count(), cart.value()), (5, Amount::from_units(39.0).unwrap()));
        cart.remove(&[line("a", 0.0, Some(1))], 3);
        assert_eq!(cart.count(), 4);
        cart.remove(&[line("a", 0.0, None), line("unknown", 0.0, None)], 4);
        assert_eq!((cart.count(), cart.lines.len(), cart.changed_ms), (2, 1, 4));
        cart.clear(5);
        assert_eq!((cart.count(), cart.changed_ms), (0, 5));
    }

    #[test]
    fn a_full_cart_drops_a_new_line_and_counts_it() {
        let mut cart = Cart::default();
        let lines: Vec<Line> = (0..=CART_LINES_MAX).map(|n| line(&n.to_string(), 1.0, None)).collect();
        cart.replace(&lines, 1);
        assert_eq!((cart.lines.len(), cart.lines_dropped), (CART_LINES_MAX, 1));
    }

    #[test]
    fn the_same_cart_again_is_no_change() {
        let mut cart = Cart::default();
        cart.replace(&[line("a", 1.0, Some(2))], 1);
        cart.replace(&[line("a", 1.0, Some(2))], 9);
        assert_eq!(cart.changed_ms, 1);
    }
}
