//! The visitor's own part in its erasure: sockets are closed, and the storage is deleted whole.

use super::Object;
use super::sockets::{Attachment, ERASED};
use crate::engine::{Gone, Input};
use crate::shell::erasure::{self, Emptied, Lives};
use crate::shell::js;
use crate::shell::reply::json;
use std::rc::Rc;
use uuid::Uuid;
use worker::{Request, Response, ResponseBuilder, Result, WebSocket, console_error};

impl Object {
    /// The lives that are known here. A look: nothing is stored.
    pub(super) fn lives(&self) -> Result<Response> {
        let mut lives: std::collections::BTreeSet<_> =
            self.sent.borrow().records().into_iter().map(|(life, _)| life).collect();
        // One that cannot be read is deleted all the same; the database knows its lives.
        if let Ok(resident) = self.resident()
            && resident.exists
        {
            lives.insert(resident.visitor.incarnation());
            lives.extend(resident.visitor.withdrawn().iter().map(|gone| gone.incarnation));
            self.resident.replace(Some(resident));
        }
        json(200, &Lives { lives })
    }

    /// Deletes everything, unless the visitor has begun a life that is not among these.
    pub(super) async fn erase(&self, mut request: Request) -> Result<Response> {
        let Lives { lives } = request.json().await?;
        // From here on there is no await before all is begun: nothing comes in between.
        let resident = self.resident();
        let mut gone = Vec::new();
        if let Ok(resident) = resident
            && resident.exists
        {
            if !lives.contains(&resident.visitor.incarnation()) {
                self.resident.replace(Some(resident));
                return json(200, &Emptied::default());
            }
            gone.push(resident.visitor.gone());
            gone.extend_from_slice(resident.visitor.withdrawn());
        }
        let storage = self.is_stored()?;
        self.sent.replace(Default::default());
        let sockets = self.close_all();
        if storage {
            js::settle(js::begin_delete_all(&self.state.storage())?).await?;
        }
        // Once more: a letter to a user may have gone out since the visitor left its users.
        self.leave_users_of(&gone).await?;
        json(200, &Emptied { done: true, storage, sockets })
    }

    /// Closes every socket; how many there were.
    pub(super) fn close_all(&self) -> usize {
        let sockets = self.state.get_websockets();
        for socket in &sockets {
            dismiss(socket);
        }
        sockets.len()
    }

    /// The visitor withdraws its consent: the page says it, and the token says who.
    pub(super) async fn withdraw(self: &Rc<Self>) -> Result<Response> {
        self.apply(Input::Withdraw).await?;
        Ok(ResponseBuilder::new().with_status(204).empty())
    }

    /// Has the sinks forget the lives whose consent was withdrawn. Should that fail, the engine asks for it again.
    pub(super) async fn erase_withdrawn(self: Rc<Self>, lives: Vec<Gone>) {
        if let Err(error) = self.forget(lives).await {
            console_error!("fault after a withdrawal: {error}");
        }
    }

    async fn forget(self: &Rc<Self>, gone: Vec<Gone>) -> Result<()> {
        let (site, visitor) = self.whose()?.clone();
        let resident = self.resident()?;
        let present = resident.visitor.incarnation();
        if !resident.exists {
            // It was deleted meanwhile: whoever did that has done this as well.
            return Ok(());
        }
        self.resident.replace(Some(resident));
        self.sent.replace(Default::default());
        let lives: Vec<Uuid> = gone.iter().map(|gone| gone.incarnation).collect();
        erasure::forget_withdrawn(&self.env, &site, visitor, &lives, present).await?;
        self.leave_users_of(&gone).await?;
        self.apply(Input::Erased { lives }).await.map(drop)
    }
}

/// Closes a socket whose page is to forget the visitor. Its end says nothing about the visitor that may come after.
pub(super) fn dismiss(socket: &WebSocket) {
    if let Err(error) = Attachment::ended().keep(socket).and_then(|()| socket.close(Some(ERASED), Some("erased"))) {
        console_error!("fault: a socket of an erased visitor does not close: {error}");
    }
}
